"""The research that the documents cite."""

from ablations.claims.research import segments

CLAIMS = segments.CLAIMS
