"""The law of the referral: commands, events, state, rules, timers and visibility, as pure functions.

Nothing here reads a clock, draws a random number or touches a file; time and ids come with the command.
"""
