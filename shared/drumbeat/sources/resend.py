"""Resend signs with Svix: Standard Webhooks, under either name of its headers.

It sends again, for some 27 hours, what is not answered 200: https://resend.com/docs/webhooks/introduction
"""

from drumbeat.sources.signature import Reply
from drumbeat.sources.standard_webhooks import StandardWebhooks

SCHEME = StandardWebhooks("resend", ("svix", "webhook"), reply=Reply(), mistaken=(("re_", "an API key"),))
