"""Addresses of GitHub's API, and the pages of its documentation that say how they behave."""

from __future__ import annotations

OF = "/repos/{repo}"
RUN = f"{OF}/actions/runs/{{run}}"
CALLBACK = f"{RUN}/deployment_protection_rule"
REVIEW = f"{RUN}/pending_deployments"
DISPATCH = f"{OF}/actions/workflows/deploy.yml/dispatches"
STATUSES = f"{OF}/deployments/{{deployment}}/statuses"
RULES_PAGE = "GitHub docs: Review custom deployment protection rules for a workflow run"
CREATING_PAGE = "GitHub docs: Creating custom deployment protection rules"
REVIEW_PAGE = "GitHub docs: Review pending deployments for a workflow run"
DEPLOYMENT_PAGE = "GitHub docs: Create a deployment"
STATUS_PAGE = "GitHub docs: Create a deployment status"
DISPATCH_PAGE = "GitHub docs: Create a workflow dispatch event"
CHECKS_PAGE = "GitHub docs: REST API endpoints for check runs"
ISSUE_PAGE = "GitHub docs: Create an issue"
ISSUES_PAGE = "GitHub docs: List repository issues"
ROLES_PAGE = "GitHub docs: Get repository permissions for a user"

FREE = {"auto_merge": False, "required_contexts": []}
"""With this a deployment is created at once: nothing is merged into its ref, and no check is waited for."""
