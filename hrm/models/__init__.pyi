from hrm.models.act_v1 import (
    CastedSparseEmbeddingSignSGD_Distributed as CastedSparseEmbeddingSignSGD_Distributed,
)
from hrm.models.act_v1 import HRMACTv1 as HRMACTv1
from hrm.models.amulgent import HRMReasoning as HRMReasoning
from hrm.models.complete import HRM as HRM
from hrm.models.complete import EnhancedDatasetLoader as EnhancedDatasetLoader
from hrm.models.complete import ExperimentTracker as ExperimentTracker
from hrm.models.complete import HRMTrainerFixed as HRMTrainerFixed
from hrm.models.complete import HRMVisualizer as HRMVisualizer
from hrm.models.gru import HierarchicalReasoningModel as HierarchicalReasoningModel
from hrm.models.gru import HRMConfig as HRMConfig
from hrm.models.v2 import EnhancedConfig as EnhancedConfig
from hrm.models.v2 import EnhancedHierarchicalModel as EnhancedHierarchicalModel
from hrm.models.v2 import EnhancedHierarchicalModelConfig as EnhancedHierarchicalModelConfig
from hrm.models.v2 import demonstrate_efficiency_comparison as demonstrate_efficiency_comparison
