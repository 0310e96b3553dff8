terraform {
  required_providers {
    jdcloud = { source = "jdcloud/jdcloud", version = "~> 0.1" }
  }
}
provider "jdcloud" { region = "cn-north-1" }
variable "image_id" { type = string }
variable "instance_type" { type = string }
data "jdcloud_image_constraints" "web" {
  ids        = [var.image_id]
  on_missing = "verify" # a misspelt image ID is an error, too
}

resource "terraform_data" "server" { # stands for the resource that creates your server
  input = { image_id = var.image_id, instance_type = var.instance_type }
  lifecycle {
    precondition {
      condition     = provider::jdcloud::supports_instance_type(data.jdcloud_image_constraints.web, var.image_id, var.instance_type)
      error_message = provider::jdcloud::explain_instance_type(data.jdcloud_image_constraints.web, var.image_id, var.instance_type)
    }
  }
}
