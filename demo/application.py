"""An example application behind the guard.

SCIM comes from scim2-server, a server library of another project, at the guarded product's path. The
application checks no tokens and protects nothing: that is the guard's job.

    python demo/application.py
"""

import argparse
import logging
from wsgiref.simple_server import WSGIRequestHandler, make_server
from wsgiref.util import application_uri

from scim2_server.applications.wsgi import TenantDispatcher, WSGIApplication
from scim2_server.testserver.cli import ThreadingWSGIServer

from directory import PROVIDER, Directories
from management import Management

SCIM_BASE = "/gateway/ng/api/scim/account"


class ScimApplication(WSGIApplication):
    """SCIM for one account, without the version in its addresses."""

    @staticmethod
    def get_base_url(environ):
        return application_uri(environ).rstrip("/")


class Accounts(TenantDispatcher):
    """Serves `/gateway/ng/api/scim/account/ACCOUNT`, with separate users and groups for each account."""

    def select_tenant(self, environ):
        environ["SCRIPT_NAME"] = SCIM_BASE
        environ["PATH_INFO"] = environ["PATH_INFO"].removeprefix(SCIM_BASE)
        return super().select_tenant(environ)


class QuietRequestHandler(WSGIRequestHandler):
    """Does not log requests."""

    def log_message(self, *_):
        pass


def application():
    """The application as a WSGI callable."""
    directories = Directories()
    scim = Accounts(lambda account: ScimApplication(directories.of(account), PROVIDER))
    management = Management(directories)

    def serve(environ, start_response):
        is_scim = environ["PATH_INFO"].startswith(f"{SCIM_BASE}/")
        return (scim if is_scim else management)(environ, start_response)

    return serve


def main():
    parser = argparse.ArgumentParser(description="An example application with SCIM.")
    parser.add_argument("--port", type=int, default=0, help="default: any free port")
    arguments = parser.parse_args()
    logging.getLogger("scim2_server").setLevel(logging.WARNING)
    with make_server(
        "127.0.0.1",
        arguments.port,
        application(),
        server_class=ThreadingWSGIServer,
        handler_class=QuietRequestHandler,
    ) as server:
        print(f"listening on http://127.0.0.1:{server.server_port}", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
