"""Relevance propagation with zennit's rules, on a canonical form of any prepared convolutional network."""
