variable "servers" {
  type = map(object({ image_id = string, instance_type = string }))
}

# Outside of the resource: one data block for all servers.
data "jdcloud_image_constraints" "servers" {
  ids = [for server in var.servers : server.image_id]
}

resource "terraform_data" "server" {
  for_each = var.servers

  input = each.value

  lifecycle {
    precondition {
      condition = provider::jdcloud::supports_instance_type(
        data.jdcloud_image_constraints.servers, each.value.image_id, each.value.instance_type
      )
      error_message = format("Server %s: %s", each.key, provider::jdcloud::explain_instance_type(
        data.jdcloud_image_constraints.servers, each.value.image_id, each.value.instance_type
      ))
    }
  }
}
