-- The newest prompts of one outcome are found without reading those of the others. An index ends with the row's seq by
-- itself, so that within an outcome it is in the order in which prompts were accepted.
CREATE INDEX prompts_by_outcome ON prompts (outcome) WHERE status = 'completed';
