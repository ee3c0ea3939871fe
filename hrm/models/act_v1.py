"""The names of document act-v1: tokens, a carry, Q values."""

from hrm.documented.act_v1 import CastedSparseEmbeddingSignSGD_Distributed, HRMACTv1

__all__ = ["CastedSparseEmbeddingSignSGD_Distributed", "HRMACTv1"]
