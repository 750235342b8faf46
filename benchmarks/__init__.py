"""What `make bench` measures: ratios within one run, against a floor or a peer on the same machine.

Seconds of one machine mean little on another one, so every budget is a ratio or a number of bytes.
Each module measures one thing and returns a `Result`; results go to `benchmarks/results/NAME.json`.
"""
