"""What a claim's spec says: plain data, without torch."""
