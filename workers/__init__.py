"""The processes of Hashi, and the only place where its parts meet."""
