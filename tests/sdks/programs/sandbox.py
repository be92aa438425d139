"""Drives the sandbox with the vendors' own libraries, in .venv/sdks: a job a line in, an answer a line out.

`{"do", "sandbox", ...}` is answered by what the library returned, or by `{"error": [status, words...]}`.
"""

import json
import sys


def resend_send(job):
    import resend
    from resend.exceptions import ResendError

    resend.api_url, resend.api_key = f"{job['sandbox']}/resend", "re_sdk"
    try:
        sent = resend.Emails.send(job["mail"], {"idempotency_key": job["key"]} if job.get("key") else None)
    except ResendError as error:
        return {"error": [int(error.code), error.error_type]}
    return {"id": sent["id"]}


def hubspot_client(job, module):
    configuration = module.Configuration(host=f"{job['sandbox']}/hubspot")
    configuration.access_token = "pat-sdk"
    return module.ApiClient(configuration)


def hubspot_upsert(job):
    from hubspot.crm import contacts

    batch = contacts.BatchInputSimplePublicObjectBatchInputUpsert(
        inputs=[{"id": job["email"], "idProperty": "email", "properties": job["properties"]}]
    )
    try:
        done = contacts.BatchApi(hubspot_client(job, contacts)).upsert(batch)
    except contacts.ApiException as error:
        body = json.loads(error.body)
        refused = json.loads(body["message"].partition(": ")[2])
        return {"error": [error.status, body["category"], *(one["error"] for one in refused)]}
    return {"status": done.status, "properties": done.results[0].properties}


def hubspot_property(job):
    from hubspot.crm import properties

    api = properties.CoreApi(hubspot_client(job, properties))
    definition = properties.PropertyCreate(
        name=job["name"], label=job["name"], type="string", field_type="text", group_name="contactinformation"
    )
    api.create("contacts", definition)
    return {"type": api.get_by_name("contacts", job["name"]).type, "known": len(api.get_all("contacts").results)}


def mailgun_client(job):
    from mailgun.client import Client

    return Client(auth=("api", "key-sdk"), api_url=f"{job['sandbox']}/mailgun/")


def mailgun_send(job):
    reply = mailgun_client(job).messages.create(data=job["mail"], domain="mg.example.com")
    return {"id": reply.json()["id"]} if reply.ok else {"error": [reply.status_code, reply.json()["message"]]}


def mailgun_events(job):
    reply = mailgun_client(job).events.get(domain="mg.example.com", filters={"event": "accepted", **job["filters"]})
    return {"events": [item["event"] for item in reply.json()["items"]]}


for line in sys.stdin:
    job = json.loads(line)
    print(json.dumps(globals()[job["do"]](job)), flush=True)
