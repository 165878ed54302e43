"""The verbs of webhooks: subscriptions, their deliveries, and trying one out."""
