variable "image_id" {
  type    = string
  default = "img-ubuntu2204"
}

variable "preferred_types" {
  description = "Instance types, the most preferred first."
  type        = list(string)
}

data "jdcloud_image_constraints" "web" {
  ids = [var.image_id]
}

locals {
  supported_types = provider::jdcloud::filter_instance_types(
    data.jdcloud_image_constraints.web, var.image_id, var.preferred_types
  )
}

resource "terraform_data" "server" {
  input = {
    image_id      = var.image_id
    instance_type = try(local.supported_types[0], null)
  }

  lifecycle {
    precondition {
      condition     = length(local.supported_types) > 0
      error_message = "Image ${var.image_id} supports none of: ${join(", ", var.preferred_types)}."
    }
  }
}

output "instance_type" {
  value = terraform_data.server.input.instance_type
}
