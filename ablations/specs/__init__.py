"""The specs of claims, as plain data without torch."""
