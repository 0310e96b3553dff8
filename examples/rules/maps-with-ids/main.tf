variable "image_id" {
  type    = string
  default = "img-ubuntu2204"
}

variable "instance_type" {
  type = string
}

data "jdcloud_image_constraints" "web" {
  ids = [var.image_id]
}

locals {
  excluded = data.jdcloud_image_constraints.web.excluded_instance_types
  included = data.jdcloud_image_constraints.web.included_instance_types
}

output "server" {
  value = { image_id = var.image_id, instance_type = var.instance_type }

  precondition {
    condition = try(
      contains(local.included[var.image_id], var.instance_type),
      !contains(local.excluded[var.image_id], var.instance_type)
    )
    error_message = "Image ${var.image_id} does not support instance type ${var.instance_type}."
  }
}
