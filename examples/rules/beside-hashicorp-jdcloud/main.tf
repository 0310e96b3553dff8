variable "image_id" {
  type    = string
  default = "img-ubuntu2204"
}

variable "instance_type" {
  type = string
}

provider "jdcloud" {
  region = "cn-north-1"
}

provider "jdcheck" {
  region = "cn-north-1"
}

# The name of the data source begins with "jdcloud", so the provider must be named.
data "jdcloud_image_constraints" "web" {
  provider = jdcheck
  ids      = [var.image_id]
}

# Stands for the archived provider's jdcloud_instance.
resource "terraform_data" "server" {
  input = { image_id = var.image_id, instance_type = var.instance_type }

  lifecycle {
    precondition {
      condition = provider::jdcheck::supports_instance_type(
        data.jdcloud_image_constraints.web, var.image_id, var.instance_type
      )
      error_message = provider::jdcheck::explain_instance_type(
        data.jdcloud_image_constraints.web, var.image_id, var.instance_type
      )
    }
  }
}
