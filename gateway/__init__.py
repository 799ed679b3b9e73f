"""The HTTP interface: who asks, what they ask, and the answer in their own view; `gateway.ask` is the one way."""
