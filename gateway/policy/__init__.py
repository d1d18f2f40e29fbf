"""The rules of the one door: permissions, quotas, restricted attributes."""
