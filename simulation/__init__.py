"""The simulation: what a queue would carry that is larger than the machines at hand, from costs that were measured.

`make simulation` writes docs/scaling.md from `measured.json`; `MEASURE=1` measures that anew first.
"""
