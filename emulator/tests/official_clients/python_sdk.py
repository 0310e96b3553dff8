"""Makes calls with JD Cloud's SDK for Python: python_sdk.py HOST:PORT ACCESS_KEY SECRET_KEY < calls > answers

Each line of the input is one call, {"operation", "parameters", "token"?}; each line of the output is what the SDK made
of its answer, {"requestId", "result", "error"}.
"""

import importlib
import json
import sys

from jdcloud_sdk.core.config import Config
from jdcloud_sdk.core.credential import Credential
from jdcloud_sdk.core.logger import Logger
from jdcloud_sdk.services.vm.client.VmClient import VmClient


def main(endpoint, access_key, secret_key):
    client = VmClient(Credential(access_key, secret_key), Config(endpoint, "http"), Logger(-1))
    for line in sys.stdin:
        call = json.loads(line)
        response = client.send(request(**call))
        error = response.error and {"code": response.error.code, "status": response.error.status}
        print(json.dumps({"requestId": response.request_id, "result": response.result, "error": error}))


def request(operation, parameters, token=None):
    """A typed request of the SDK, as its users write it."""
    module = importlib.import_module(f"jdcloud_sdk.services.vm.apis.{operation}Request")
    typed = getattr(module, f"{operation}Parameters")(*[parameters.pop(name) for name in PATH.get(operation, ["regionId"])])
    for name, value in parameters.items():
        getattr(typed, f"set{name[0].upper()}{name[1:]}")(value)
    header = {"x-jdcloud-security-token": token} if token else None
    return getattr(module, f"{operation}Request")(typed, header)


PATH = {"DescribeImage": ["regionId", "imageId"]}

if __name__ == "__main__":
    main(*sys.argv[1:])
