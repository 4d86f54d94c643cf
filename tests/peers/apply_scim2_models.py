"""Applies PATCH requests with scim2-models. Reads one JSON document a line, {resource, patch, sent},
and answers each with one: {resource}, or {error: {scimType, detail}}.

    python apply_scim2_models.py strict|tolerant

`tolerant` is how scim2-models reads what Microsoft Entra means and the RFCs do not say: a removal
that names its values, and a value path that creates one. It applies to what a client sent; what the
guard forwards is read strictly in any case.
"""

import json
import sys

from pydantic import ValidationError
from scim2_models import Context, EnterpriseUser, Group, PatchOp, ScimPolicy, User
from scim2_models.exceptions import SCIMException

STRICT = ScimPolicy()
POLICIES = {
    "strict": STRICT,
    "tolerant": ScimPolicy(remove_value_as_filter="apply", unmatched_path_filter="create"),
}


def answer(resource: dict, patch: dict, policy: ScimPolicy) -> dict:
    is_group = Group.__schema__ in resource["schemas"]
    model = Group if is_group else User[EnterpriseUser]
    with policy:
        patched = model.model_validate(resource)
        try:
            message = PatchOp[model].model_validate(patch, scim_ctx=Context.RESOURCE_PATCH_REQUEST)
            message.patch(patched)
        except ValidationError as error:
            first = error.errors()[0]
            return refusal(first.get("ctx", {}).get("scim_type"), first["msg"])
        except SCIMException as error:
            return refusal(error.scim_type, str(error))
        return {"resource": patched.model_dump(scim_ctx=Context.DEFAULT)}


def refusal(scim_type: str | None, detail: str) -> dict:
    return {"error": {"scimType": scim_type or None, "detail": detail}}


def main() -> None:
    policy = POLICIES[sys.argv[1]]
    for line in sys.stdin:
        asked = json.loads(line)
        answered = answer(asked["resource"], asked["patch"], policy if asked["sent"] else STRICT)
        print(json.dumps(answered), flush=True)


main()
