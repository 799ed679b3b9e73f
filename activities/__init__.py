"""The effects of the workflows; `contract` is all that a workflow may see of them."""
