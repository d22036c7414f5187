"""Shipmate: the deploy crew of an engineering organisation, living in Slack."""
