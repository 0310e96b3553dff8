variable "image_id" {
  type    = string
  default = "img-ubuntu2204"
}

variable "instance_type" {
  type = string

  validation {
    condition = provider::jdcloud::supports_instance_type(
      data.jdcloud_image_constraints.web, var.image_id, var.instance_type
    )
    error_message = provider::jdcloud::explain_instance_type(
      data.jdcloud_image_constraints.web, var.image_id, var.instance_type
    )
  }
}

data "jdcloud_image_constraints" "web" {
  ids = [var.image_id]
}

resource "terraform_data" "server" {
  input = { image_id = var.image_id, instance_type = var.instance_type }
}
