variable "image_ids" {
  type    = set(string)
  default = ["img-ubuntu2204", "img-gpu"]
}

variable "instance_type" {
  type = string
}

# One data block for all images.
data "jdcloud_image_constraints" "all" {
  ids = var.image_ids
}

locals {
  unsupported = [
    for id in var.image_ids :
    provider::jdcloud::explain_instance_type(data.jdcloud_image_constraints.all, id, var.instance_type)
    if !provider::jdcloud::supports_instance_type(data.jdcloud_image_constraints.all, id, var.instance_type)
  ]
}

resource "terraform_data" "fleet" {
  input = { image_ids = var.image_ids, instance_type = var.instance_type }

  lifecycle {
    precondition {
      condition     = length(local.unsupported) == 0
      error_message = join("\n", local.unsupported)
    }
  }
}
