"""The way to production: one judgement for every route, approvals bound to what was seen, effects judged again."""
