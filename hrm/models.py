"""What document act-v1 imports from here: views of `hrm.model.HRM`, for its names alone."""

from hrm.documented.act_v1 import CastedSparseEmbeddingSignSGD_Distributed, HRMACTv1

__all__ = ["CastedSparseEmbeddingSignSGD_Distributed", "HRMACTv1"]
