"""All methods of highway-sdk 1.0.1, each called once; what became of each is in the last line of output.

The arguments are the parts of the paths. SEEDS has, by name, those of what is on the server.
"""

import inspect
import json
import os

import highway_sdk.api as apis
from highway_sdk import ApiClient, Configuration
from highway_sdk.exceptions import ApiException

SEEDS = json.loads(os.environ["SEEDS"])


class Noting(ApiClient):
    """Says which request a method makes."""

    def call_api(self, method, url, *args, **kwargs):
        self.noted = (method, url)
        return super().call_api(method, url, *args, **kwargs)


def called(client, method):
    parameters = {name: kind for name, kind in inspect.signature(method).parameters.items() if name[0] != "_"}
    default = {name: 1 if "[int" in str(kind.annotation) else "x" for name, kind in parameters.items()}
    try:
        answer = method(**{name: SEEDS.get(name, given) for name, given in default.items()})
        data = answer.data.to_dict() if hasattr(answer.data, "to_dict") else None
        outcome = {"status": answer.status_code, "typed": data is not None, "data": data}
    except ApiException as error:
        body = json.loads(error.body)
        outcome = {"status": error.status, "error": type(error).__name__, "code": body["code"]}
    verb, url = client.noted
    return {"method": verb, "path": url.removeprefix(client.configuration.host), **outcome}


configuration = Configuration(host=os.environ["HIGHWAY_API_ENDPOINT"], access_token=os.environ["HIGHWAY_API_KEY"])
configuration.retries = False
# Reads first: what others end or remove is still there.
VERBS = ["get", "patch", "post", "put", "delete"]
with Noting(configuration) as client:
    methods = [
        (name.removesuffix("_with_http_info"), method)
        for _, kind in inspect.getmembers(apis, inspect.isclass)
        for name, method in inspect.getmembers(kind(client), inspect.ismethod)
        if name.endswith("_with_http_info") and not name.startswith("_")
    ]
    methods.sort(key=lambda found: VERBS.index(found[0].partition("_")[0]))
    outcomes = [{"name": name, **called(client, method)} for name, method in methods]
print(json.dumps(outcomes, default=str))
