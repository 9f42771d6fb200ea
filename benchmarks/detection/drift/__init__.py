"""A published detector on our own corpora: MMD between a window of traffic and benign traffic (arXiv 2606.05725).

`pairs` says whose prompts stand against whose, `features` turns them into vectors, `statistic` is the test, `protocol`
cuts disjoint windows and scores them, `summary` compares at one realised false-positive rate. `mmd.py` beside this
folder runs it. What the paper did otherwise, and why it isn't repeated here: research page B3, defects (a) to (d).
"""
