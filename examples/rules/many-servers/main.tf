variable "servers" {
  type = map(object({ image_id = string, instance_type = string }))
}

data "jdcloud_image_constraints" "servers" {
  ids = [for server in var.servers : server.image_id]
}

locals {
  excluded = data.jdcloud_image_constraints.servers.excluded_instance_types
  included = data.jdcloud_image_constraints.servers.included_instance_types

  # Two look-ups for each server. Each function call would pass the whole data source.
  unsupported = [
    for name, server in var.servers :
    "Server ${name}: image ${server.image_id} does not support instance type ${server.instance_type}."
    if !try(
      contains(local.included[server.image_id], server.instance_type),
      !contains(local.excluded[server.image_id], server.instance_type)
    )
  ]
}

resource "terraform_data" "fleet" {
  input = var.servers

  lifecycle {
    precondition {
      condition     = length(local.unsupported) == 0
      error_message = join("\n", local.unsupported)
    }
  }
}
