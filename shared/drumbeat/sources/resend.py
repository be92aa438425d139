"""Resend signs with Svix: Standard Webhooks under its older header names. https://resend.com/docs/webhooks"""

from drumbeat.sources.standard_webhooks import StandardWebhooks

SCHEME = StandardWebhooks("resend", headers="svix")
