package main

import rego.v1

# Every read of the data source that the plan contains, in all modules. A deferred read is not among them.
reads contains resource.values if {
	walk(input.prior_state, [_, resource])
	resource.mode == "data"
	resource.type == "jdcloud_image_constraints"
}

# The servers that the plan creates or changes. Replace terraform_data with the resource type that creates your servers, and
# "input" with the place of its arguments.
servers[change.address] := server if {
	some change in input.resource_changes
	change.type == "terraform_data"
	some action in change.change.actions
	action in {"create", "update"}
	arguments := object.get(change.change.after, "input", {})
	is_object(arguments)
	server := {
		"image_id": object.get(arguments, "image_id", "(unknown)"),
		"instance_type": object.get(arguments, "instance_type", null),
	}
}

# Without ids, an image that is not returned would count as unrestricted, so such a read does not count here.
reads_of(image_id) := [read | some read in reads; image_id in read.ids]

supports(read, server) if {
	excluded := read.excluded_instance_types[server.image_id]
	is_array(excluded)
	not server.instance_type in excluded
}

supports(read, server) if {
	server.instance_type in read.included_instance_types[server.image_id]
}

deny contains message if {
	some address, server in servers
	count(reads_of(server.image_id)) == 0
	message := sprintf("%s: no jdcloud_image_constraints has the image %s in its ids", [address, server.image_id])
}

deny contains message if {
	some address, server in servers
	not is_string(server.instance_type)
	message := sprintf("%s: the instance type is not known in the plan", [address])
}

# The plan does not say in which region the server is, so each read of its image must support it.
deny contains message if {
	some address, server in servers
	is_string(server.instance_type)
	some read in reads_of(server.image_id)
	not supports(read, server)
	message := sprintf("%s: image %s does not support instance type %s", [address, server.image_id, server.instance_type])
}
