# Validates manifests on standard input by the schemas of Kubernetes, strictly, and by those of KEDA's own resource definitions.
# Arguments: the version of Kubernetes, and the folder of KEDA's definitions. A line for each manifest; exit code 1 with a
# manifest that is wrong or has no schema.
import glob
import sys

import jsonschema
import kubernetes_validate
import yaml


def strict(schema):
    """A field that the schema does not name is a typing error, as the API server's strict validation has it."""
    if isinstance(schema, dict):
        if "properties" in schema and "additionalProperties" not in schema:
            schema["additionalProperties"] = bool(schema.get("x-kubernetes-preserve-unknown-fields", False))
        for value in list(schema.values()):
            strict(value)
    elif isinstance(schema, list):
        for value in schema:
            strict(value)
    return schema


def definitions(folder):
    found = {}
    for path in glob.glob(folder + "/*.yaml"):
        with open(path) as file:
            spec = yaml.safe_load(file)["spec"]
        for version in spec["versions"]:
            schema = version["schema"]["openAPIV3Schema"]
            schema["properties"]["metadata"] = {"type": "object"}
            found[spec["group"] + "/" + version["name"], spec["names"]["kind"]] = strict(schema)
    return found


def main():
    version, folder = sys.argv[1:]
    own = definitions(folder)
    failed = False
    for manifest in yaml.safe_load_all(sys.stdin):
        kind = (manifest["apiVersion"], manifest["kind"])
        name = "%s %s" % (manifest["kind"], manifest["metadata"]["name"])
        try:
            if kind in own:
                jsonschema.validate(manifest, own[kind])
            else:
                kubernetes_validate.validate(manifest, version, strict=True)
            print("valid", name)
        except (jsonschema.ValidationError, kubernetes_validate.SchemaNotFoundError) as error:
            failed = True
            print("wrong", name, error.message)
    sys.exit(1 if failed else 0)


main()
