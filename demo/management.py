"""The example application's own API for its administrators: users, groups, roles.

It does not check who may change what: the guard keeps administrators from editing what an identity
provider owns. The account is in the query, as `accountIdentifier`.
"""

import json
import re
import uuid
from urllib.parse import parse_qs

from scim2_models import NotFoundException, SCIMException

from directory import PROVIDER

GROUPS = "/gateway/ng/api/user-groups"
USERS = "/gateway/ng/api/user"
ROLES = "/gateway/authz/api/roleassignments"


def create_group(directory, body):
    group = directory.add("Group", body["identifier"], displayName=body["name"])
    return group_view(directory.set_members(group.id, set(body.get("users", []))))


def update_group(directory, body):
    directory.change("Group", body["identifier"], displayName=body["name"])
    return group_view(directory.set_members(body["identifier"], set(body.get("users", []))))


def read_group(directory, body, group):
    return group_view(directory.read("Group", group))


def list_groups(directory, body):
    return [group_view(group) for group in directory.all("Group")]


def delete_group(directory, body, group):
    view = read_group(directory, body, group)
    directory.remove("Group", group)
    return view


def add_member(directory, body, group, user):
    return group_view(directory.set_members(group, directory.members(group) | {user}))


def remove_member(directory, body, group, user):
    return group_view(directory.set_members(group, directory.members(group) - {user}))


def add_user_to_groups(directory, body, user):
    for group in body["userGroupIdsToAdd"]:
        add_member(directory, body, group, user)
    return user_view(directory.read("User", user))


def create_users(directory, body):
    users = [
        directory.add("User", userName=email.lower(), displayName=email, active=True)
        for email in body["emails"]
    ]
    for group in body.get("userGroups", []):
        directory.set_members(group, directory.members(group) | {user.id for user in users})
    return [user_view(user) for user in users]


def update_user(directory, body, user=None):
    """As in the guarded product, the e-mail names the user to change, and cannot be changed here."""
    named = (item for item in directory.all("User") if item.user_name == body["email"].lower())
    target = next(named, None)
    if target is None:
        raise NotFoundException(detail=f"no user {body['email']}")
    return user_view(directory.change("User", target.id, displayName=body["name"]))


def read_user(directory, body, user):
    return user_view(directory.read("User", user))


def list_users(directory, body):
    return [user_view(user) for user in directory.all("User")]


def delete_user(directory, body, user):
    view = read_user(directory, body, user)
    directory.remove("User", user)
    return view


def unlock_user(directory, body, user):
    return read_user(directory, body, user)


def assign_role(directory, body):
    identifier = uuid.uuid4().hex
    directory.roles[identifier] = body
    return {"identifier": identifier, **body}


ROUTES = [
    ("POST", GROUPS, create_group),
    ("PUT", GROUPS, update_group),
    ("GET", GROUPS, list_groups),
    ("GET", f"{GROUPS}/(?P<group>[^/]+)", read_group),
    ("DELETE", f"{GROUPS}/(?P<group>[^/]+)", delete_group),
    ("PUT", f"{GROUPS}/(?P<group>[^/]+)/member/(?P<user>[^/]+)", add_member),
    ("DELETE", f"{GROUPS}/(?P<group>[^/]+)/member/(?P<user>[^/]+)", remove_member),
    ("PUT", f"{USERS}/add-user-to-groups/(?P<user>[^/]+)", add_user_to_groups),
    ("PUT", f"{USERS}/unlock-user/(?P<user>[^/]+)", unlock_user),
    ("POST", f"{USERS}/users", create_users),
    ("PUT", USERS, update_user),
    ("PUT", f"{USERS}/(?P<user>[^/]+)", update_user),
    ("GET", USERS, list_users),
    ("GET", f"{USERS}/(?P<user>[^/]+)", read_user),
    ("DELETE", f"{USERS}/(?P<user>[^/]+)", delete_user),
    ("POST", ROLES, assign_role),
]


def group_view(group):
    users = [member.value for member in group.members or []]
    return {"identifier": group.id, "name": group.display_name, "users": users}


def user_view(user):
    return {
        "uuid": user.id,
        "name": user.display_name,
        "email": user.user_name,
        "disabled": user.active is False,
    }


class Management:
    """The WSGI application that serves the routes above."""

    def __init__(self, directories):
        self.directories = directories

    def __call__(self, environ, start_response):
        text = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        try:
            data = self.answer(environ, text)
            status, answer = "200 OK", {"status": "SUCCESS", "data": data}
        except SCIMException as error:
            reason = error.to_error()
            status = f"{reason.status} {reason.scim_type or 'Error'}"
            answer = {"status": "ERROR", "message": reason.detail}
        except (KeyError, TypeError, ValueError) as error:
            status, answer = "400 Bad Request", {"status": "ERROR", "message": repr(error)}
        start_response(status, [("Content-Type", "application/json")])
        return [json.dumps(answer).encode()]

    def answer(self, environ, text):
        account = parse_qs(environ.get("QUERY_STRING", ""))["accountIdentifier"][0]
        for method, pattern, route in ROUTES:
            parts = re.fullmatch(pattern, environ["PATH_INFO"])
            if parts and method == environ["REQUEST_METHOD"]:
                body = json.loads(text) if text else None
                with PROVIDER:
                    return route(self.directories.of(account), body, **parts.groupdict())
        raise NotFoundException(detail=f"no such page: {environ['PATH_INFO']}")
