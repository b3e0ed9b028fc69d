#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes src/wire/shapes.json: the requests of the operations that the emulator answers, out of the service models in
botocore (Apache-2.0), which AWS generates from its own definitions. `--check` says whether the file is up to date.

Needs the botocore of .ci/requirements.txt. One shape a line, so that an upgrade can be read as a diff."""
import json
import pathlib
import sys

import botocore
import botocore.session

OPERATIONS = {
    "ecs": """CreateCluster DescribeClusters ListClusters DeleteCluster PutClusterCapacityProviders
        CreateCapacityProvider UpdateCapacityProvider DeleteCapacityProvider DescribeCapacityProviders
        RegisterTaskDefinition DescribeTaskDefinition ListTaskDefinitions ListTaskDefinitionFamilies
        DeregisterTaskDefinition DeleteTaskDefinitions RunTask DescribeTasks ListTasks StopTask
        ListContainerInstances DescribeContainerInstances DeregisterContainerInstance
        TagResource UntagResource ListTagsForResource""",
    "logs": """CreateLogGroup DeleteLogGroup PutRetentionPolicy DescribeLogGroups CreateLogStream DescribeLogStreams
        PutLogEvents GetLogEvents FilterLogEvents""",
    "ec2": """DescribeVpcs DescribeSubnets DescribeSecurityGroups DescribeInstanceTypes DescribeInstances
        DescribeAvailabilityZones DescribeRegions""",
    "sts": "GetCallerIdentity",
}
LIMITS = ("min", "max", "pattern")


class Reader:
    """Turns the shapes that a service's requests reach into plain data."""

    def __init__(self, protocol):
        self.ec2 = protocol == "ec2"
        self.shapes = {}

    def member_name(self, key, child):
        """EC2 spells members of a request in a way of its own; JSON services use the member's name."""
        if not self.ec2:
            return key
        sent = child.serialization.get("queryName") or child.serialization.get("name") or key
        return sent[0].upper() + sent[1:]

    def describe(self, shape):
        out = {}
        if shape.type_name == "structure":
            if shape.required_members:
                out["required"] = [self.member_name(key, shape.members[key]) for key in shape.required_members]
            out["members"] = {self.member_name(key, child): self.name(child) for key, child in shape.members.items()}
        elif shape.type_name == "list":
            out["list"] = self.name(shape.member)
        elif shape.type_name == "map":
            out["map"] = self.name(shape.value)
        else:
            out["type"] = shape.type_name
            # EC2's enum of instance types has more than a thousand members, and the table of types decides anyway.
            if getattr(shape, "enum", None) and not self.ec2:
                out["enum"] = shape.enum
        out.update({key: shape.metadata[key] for key in LIMITS if key in shape.metadata})
        return out

    def name(self, shape):
        """A plain scalar needs no shape of its own: its name is its type."""
        if shape.type_name in ("structure", "list", "map"):
            return shape.name
        return shape.type_name if list(self.describe(shape)) == ["type"] else shape.name

    def read(self, shape):
        if self.name(shape) == shape.type_name or shape.name in self.shapes:
            return
        self.shapes[shape.name] = None
        if shape.type_name == "structure":
            for child in shape.members.values():
                self.read(child)
        elif shape.type_name in ("list", "map"):
            self.read(shape.member if shape.type_name == "list" else shape.value)
        self.shapes[shape.name] = self.describe(shape)


def main():
    session = botocore.session.get_session()
    blocks = []
    for service, names in OPERATIONS.items():
        model = session.get_service_model(service)
        reader, operations = Reader(model.metadata["protocol"]), {}
        for name in names.split():
            shape = model.operation_model(name).input_shape
            operations[name] = shape.name if shape is not None else None
            if shape is not None:
                reader.read(shape)
        compact = {"separators": (",", ":"), "ensure_ascii": False}
        lines = ",\n".join(f"  {json.dumps(k)}: {json.dumps(v, **compact)}" for k, v in sorted(reader.shapes.items()))
        head = json.dumps(model.metadata["apiVersion"])
        target = json.dumps(model.metadata.get("targetPrefix"))
        others = json.dumps(sorted(set(model.operation_names) - set(operations)), **compact) if service == "ecs" else "[]"
        calls = json.dumps(operations, **compact)
        blocks.append(
            f'{json.dumps(service)}: {{ "apiVersion": {head}, "targetPrefix": {target}, "others": {others},\n'
            f' "operations": {calls},\n "shapes": {{\n{lines}\n }} }}'
        )
    text = f'{{ "source": "botocore {botocore.__version__}", "services": {{\n' + ",\n".join(blocks) + "\n} }\n"
    json.loads(text)
    path = pathlib.Path(__file__).parent.parent / "src/wire/shapes.json"
    if "--check" in sys.argv:
        return 0 if path.read_text(encoding="utf-8") == text else "src/wire/shapes.json is stale: model/generate.py"
    path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
