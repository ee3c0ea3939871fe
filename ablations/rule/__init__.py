"""The count rule: from pairs, and zones that were fixed beforehand, to a word about a claim.

`table` says how many exceptions a statement may have, `zones` what was fixed beforehand, `pairs`
what was measured, `interval` what that establishes, `verdict` which word follows, and `words` says
it in a sentence. Everything here is numpy alone and holds for one sample and for many at once.
"""
