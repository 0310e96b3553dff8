variable "server" {
  type = object({ image_id = string, instance_type = string })

  validation {
    condition = provider::jdcloud::supports_instance_type(
      data.jdcloud_image_constraints.region, var.server.image_id, var.server.instance_type
    )
    error_message = provider::jdcloud::explain_instance_type(
      data.jdcloud_image_constraints.region, var.server.image_id, var.server.instance_type
    )
  }
}

# No ids, so this does not depend on var.server.
data "jdcloud_image_constraints" "region" {}

resource "terraform_data" "server" {
  input = var.server
}
