# Does not work: the data source waits for var.server, and var.server waits for its validation.
variable "server" {
  type = object({ image_id = string, instance_type = string })

  validation {
    condition = provider::jdcloud::supports_instance_type(
      data.jdcloud_image_constraints.web, var.server.image_id, var.server.instance_type
    )
    error_message = provider::jdcloud::explain_instance_type(
      data.jdcloud_image_constraints.web, var.server.image_id, var.server.instance_type
    )
  }
}

data "jdcloud_image_constraints" "web" {
  ids = [var.server.image_id]
}
