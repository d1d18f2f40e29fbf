"""One module per noun: how an OCCI entity becomes a request to the cloud, and a resource an entity."""
