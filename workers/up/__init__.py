"""`hashi up`: everything on one machine, kept running until it is told to stop."""
