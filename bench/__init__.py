"""Speed and memory of a running gateway, measured against bare Falcon under the same server."""
