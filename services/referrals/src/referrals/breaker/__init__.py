"""The breaker of mass flags: more contact flags in an hour than expected wait until a person has signed them off.

There is no lock on the way of a flag. A transaction that raises flags counts those of the hour, adds rows of its own, and the
one that passes the band opens a hold by inserting one row. Whoever raises or shows a flag reads that row, shared with all
others, and the person who answers it waits for them. What was raised in the hour before the hold, or by a transaction that
ran beside the one that opened it, is caught when it is to be shown.
"""
