"""HTTP by audience: what banks, coordinators, companies and universities reach."""
