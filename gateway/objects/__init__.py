"""The object half of the gateway: a tree of containers and data objects, and who may do what in it."""
