"""`hashi doctor`: looks at everything a process of ours needs, and says what to do about each fault."""
