variable "image_id" {
  type    = string
  default = "img-ubuntu2204"
}

variable "instance_type" {
  type = string
}

data "jdcloud_image_constraints" "web" {
  ids = [var.image_id]

  lifecycle {
    postcondition {
      condition = provider::jdcloud::supports_instance_type(
        self, var.image_id, var.instance_type
      )
      error_message = provider::jdcloud::explain_instance_type(
        self, var.image_id, var.instance_type
      )
    }
  }
}
