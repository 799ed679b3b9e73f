"""What is kept, and the only way to it: events for ever and in order, and beside them what commands need.

`store.connect.Store.open` is the way in. Events are written by one function in the database (`hashi.append`), in
groups, under one lock: positions count in the order of commits without a gap, so a follower's place is one number.
"""
