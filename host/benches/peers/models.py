"""What scim2-models takes to read, check and write messages: a line of JSON {"name", "kind", "text"}
in, a line of nanoseconds for each message out."""

import json
import sys
import time

from scim2_models import Context, EnterpriseUser, Group, PatchOp, User

MODELS = {
    "user": (User[EnterpriseUser], Context.RESOURCE_CREATION_REQUEST),
    "patch": (PatchOp[Group], Context.RESOURCE_PATCH_REQUEST),
}


def once(kind, text):
    model, context = MODELS[kind]
    message = model.model_validate_json(text, scim_ctx=context)
    if kind == "patch":
        group = Group(id="example_group", display_name="example-group")
        message.patch(group)
        group.model_dump_json(scim_ctx=Context.RESOURCE_PATCH_RESPONSE)
    else:
        message.model_dump_json(scim_ctx=context)


def until(seconds, kind, text):
    started = time.perf_counter()
    count = 0
    spent = 0.0
    while spent < seconds:
        once(kind, text)
        count += 1
        spent = time.perf_counter() - started
    return spent / count


for line in sys.stdin:
    message = json.loads(line)
    until(0.5, message["kind"], message["text"])
    print(round(until(2.0, message["kind"], message["text"]) * 1e9), flush=True)
