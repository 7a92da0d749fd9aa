"""What Prometheus is told: of prompts by the queue's database, the same from any process; of HTTP by what was counted.

Only where METRICS_PORT is set is any of it imported: the library takes megabytes of each process.
"""
