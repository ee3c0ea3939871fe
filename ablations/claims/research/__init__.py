"""Research: what the papers behind the documents report, and what later ones say of it."""

from ablations.claims.research import published, segments

CLAIMS = (*published.CLAIMS, *segments.CLAIMS)
