"""The example application's store for the users and groups of one account.

SCIM and the management routes share one directory. It is scim2-server's in-memory storage with one
change, as in the guarded product: a group's id is derived from its name.
"""

import re
import threading
import uuid

from scim2_models import UniquenessException
from scim2_server.memory import InMemoryStorage
from scim2_server.utils import load_default_provider

PROVIDER = load_default_provider()
TYPES = {resource_type.name: resource_type for resource_type in PROVIDER.resource_types}


class Directory(InMemoryStorage):
    """The users, groups and role assignments of one account."""

    def __init__(self):
        super().__init__()
        self.roles = {}

    def generate_id(self, resource_type, resource):
        """A pushed group is known by its name with dots, dashes and spaces as underscores.

        If another group has that id, both are kept, and the new one gets a number. Only the
        management API chooses ids; scim2-server removes those that a SCIM request has.
        """
        if resource.id is not None:
            if any(item.id == resource.id for item in self.all(resource_type.name)):
                raise UniquenessException(detail=f"{resource.id} exists already")
            return resource.id
        if resource_type.name != "Group":
            return uuid.uuid4().hex
        derived = re.sub("[-. ]", "_", resource.display_name)
        taken = {group.id for group in self.all("Group")}
        numbered = (f"{derived}_{number}" for number in range(1, len(taken) + 1))
        return next(name for name in (derived, *numbered) if name not in taken)

    def delete(self, resource_type, resource_id, *, expected_version=None):
        """Removes a deleted user from all groups."""
        with self.lock:
            super().delete(resource_type, resource_id, expected_version=expected_version)
            if resource_type.name == "User":
                for group in self.all("Group"):
                    self.set_members(group.id, self.members(group.id) - {resource_id})

    def all(self, kind):
        """Every resource of a kind, `User` or `Group`."""
        return [item for item in self.resources if item.meta.resource_type == kind]

    def add(self, kind, identifier=None, **attributes):
        """Creates a resource, optionally with an id that the caller chooses."""
        with self.lock:
            model = PROVIDER.model_for(TYPES[kind])
            resource = model.model_validate({"schemas": [str(TYPES[kind].schema_)], **attributes})
            resource.id = identifier
            return self.create(TYPES[kind], resource)

    def read(self, kind, identifier):
        """One resource."""
        return self.get(TYPES[kind], identifier)

    def change(self, kind, identifier, **attributes):
        """Replaces some attributes of a resource."""
        with self.lock:
            resource = self.read(kind, identifier)
            document = {**resource.model_dump(), **attributes}
            return self.update(TYPES[kind], type(resource).model_validate(document))

    def remove(self, kind, identifier):
        """Deletes a resource."""
        self.delete(TYPES[kind], identifier)

    def members(self, group):
        """The ids of the users in a group."""
        return {member.value for member in self.read("Group", group).members or []}

    def set_members(self, group, users):
        """Replaces a group's members and ignores unknown ones, like the product."""
        known = {user.id for user in self.all("User")}
        members = [{"value": user} for user in sorted(users) if user in known]
        return self.change("Group", group, members=members)


class Directories:
    """One directory per account, created when the account is first named."""

    def __init__(self):
        self.lock = threading.Lock()
        self.accounts = {}

    def of(self, account):
        """The directory of an account."""
        with self.lock:
            return self.accounts.setdefault(account, Directory())
